"""The experiments' programs, as users of each system write them. One function a system; each
imports its library when called, so that a missing one is only named and skipped."""
