"""Where an exported file runs, other than by a runtime of this machine: on an emulated phone, in a browser.

A device takes an image through the file as a `edgeir.runtime.session.Session` does, so that proof and quality are
measured on what the device itself computed, and times the file by its own clock. `edgeir.devices.catalog` lists them.
"""
