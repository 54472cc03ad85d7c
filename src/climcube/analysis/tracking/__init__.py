"""Events in space and time: objects, links, footprints."""
