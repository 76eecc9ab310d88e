"""The HorizontalPodAutoscaler controller: how many replicas metrics ask for, and how fast one may go there."""
