"""Networks as graphs for use elsewhere: ONNX files and the frameworks' own static graphs."""
