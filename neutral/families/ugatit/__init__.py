"""U-GAT-IT: options, initial values, data, pictures and file layouts."""
