"""Lifts: a kernel for one series, applied to a whole cube in bounded memory."""
