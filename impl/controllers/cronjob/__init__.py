"""The CronJob controller: a Job whenever one is due, beside the one before, after it, or in its place."""
