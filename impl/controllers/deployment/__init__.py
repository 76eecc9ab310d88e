"""The Deployment controller: a ReplicaSet for each template, scaled step by step."""
