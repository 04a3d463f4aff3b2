"""What holds for every request: headers, errors, compression, assets, probes, the request log."""
