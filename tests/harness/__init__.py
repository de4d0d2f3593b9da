"""Real servers, real clients and bad luck, for the end-to-end tests. One module per idea."""
