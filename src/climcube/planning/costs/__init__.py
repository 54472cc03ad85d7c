"""What tiles take: their tasks run on arrays without values, their reads laid over a store."""
