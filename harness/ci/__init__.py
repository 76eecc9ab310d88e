"""What a pipeline reads of a check: JUnit, SARIF, annotations, a summary; and which violations are known already."""
