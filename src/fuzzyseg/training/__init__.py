"""Training of networks on simulated patients, and their adaptation to a scan without labels."""
