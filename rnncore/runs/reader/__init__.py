"""Reading foreign files in a process of their own: `ReaderPool` asks, `python -m rnncore.runs.reader` answers.

Whatever a file does to its reader, be it slow, huge or built to harm, the page's process only waits for an answer, and
after a deadline the reader is ended and the file is refused in one sentence.
"""
