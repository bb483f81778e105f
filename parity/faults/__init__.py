"""Planted faults: each known mistake of a port, put into an implementation on purpose, must be caught.

fault      what a fault is: one line of source, old -> new
plant      puts it in for a while
catch      runs the suite on it and tells which check caught it, and where
table      the page docs/faults.md
<family>   the catalogue of a family
"""
