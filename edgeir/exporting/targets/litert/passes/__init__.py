"""Rewrites of a converted LiteRT graph, one file each; none of them changes a global setting of any library."""
