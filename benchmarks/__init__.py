"""Speed and memory of the suite, compared with what people use today: ``make bench``."""
