"""An association fitted to a log: `logged` is the simulator, the other modules fit its parts."""
