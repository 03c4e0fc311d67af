"""Newsletters as readers see them: texts made plain, the merge file, the preview."""
