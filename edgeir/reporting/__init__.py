"""From result files to what people read: Markdown tables, a quality-against-latency plot, one HTML page."""
