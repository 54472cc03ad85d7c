"""S3-compatible object storage: two clients, one vocabulary, one clock."""
