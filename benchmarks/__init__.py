"""Speed and memory of the suite, measured beside what people use today: ``make bench``."""
