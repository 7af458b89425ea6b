"""What is taken out of reports that were closed long ago; what they count for stays."""
