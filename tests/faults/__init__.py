"""What happens when processes die: the real worker, the real servers, kill -9."""
