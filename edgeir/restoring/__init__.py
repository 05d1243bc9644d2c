"""A photo of any size through any network, in tiles that leave no trace."""
