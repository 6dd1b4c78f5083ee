"""What people use today: scripts that use only public packages.

Each can be run by hand, prints one line of JSON with seconds by part, and knows nothing of
``clip_har``. Common arguments: a folder of videos ``ROOT/<class>/<clip>`` and a CLIP folder.
"""
