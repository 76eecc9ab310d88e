"""From text to values, with file and line: manifests, scenarios, scripts, dumps of live clusters."""
