"""Whether stored bytes are those that were written: manifests, verified reading, verification."""
