"""The same script by a careful user: the texts are embedded once."""

from benchmarks.peers.user_script import main

if __name__ == "__main__":
    main(text_once=True)
