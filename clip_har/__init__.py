"""Do CLIP models recognise the human action, or the room?"""

__version__ = "0.1.0"
