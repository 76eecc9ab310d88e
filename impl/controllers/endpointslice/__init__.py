"""The EndpointSlice controller: endpoints of Pods, and how they are spread over slices."""
