"""Analyses: the questions a cube answers, one public function each."""
