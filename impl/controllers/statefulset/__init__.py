"""The StatefulSet controller: Pods with names of their own, one after the other, and the templates it rolls between."""
