"""Reports from result files: Markdown tables, a quality-against-latency plot, one HTML page."""
