"""Small tools that know nothing of recommenders: formatting, JSON values, threads, retries, colours."""
