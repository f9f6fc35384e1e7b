"""What operators run: the ``worker`` with its jobs, ``backups`` and the ``doctor``.

The jobs of its own are ``checkpoints``, ``verification`` and ``retention``; those of other rooms it calls.
"""
