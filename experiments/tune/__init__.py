"""The command of that name: a policy's settings are searched for, hopeless ones given up early."""
