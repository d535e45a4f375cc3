"""What `bridge demo` shows: invented petitions and the run over them."""
