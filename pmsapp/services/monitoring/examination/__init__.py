"""The parts of `pmsapp doctor`: what a finding is, what runs here, what lies outside."""
