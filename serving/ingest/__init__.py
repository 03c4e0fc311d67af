"""What came back: from a send and the files of e-mail providers to the log."""
