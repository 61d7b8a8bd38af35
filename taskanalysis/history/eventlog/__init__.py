"""What does the log TaskScheduler/Operational say of runs: when, how long, which code, what kept them from starting?"""
