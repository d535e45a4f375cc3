"""One folder a system. The registry names them; nothing here imports another system's folder."""
