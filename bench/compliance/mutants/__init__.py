"""Devices with one planted defect each, null devices, and devices that are unusual and right: the suite's own test."""
