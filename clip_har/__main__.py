"""``python -m clip_har``."""

from clip_har.app import main

main()
