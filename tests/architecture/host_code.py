"""Code of a host application, which is type-checked and never run: what it uses is public and fully typed."""
