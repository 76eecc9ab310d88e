"""What may befall a cluster: a file for each fault, called like its field in `Faults`."""
