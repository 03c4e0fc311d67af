"""What an issue may show: pools of articles whose text is composed, and the rules of its layout."""
