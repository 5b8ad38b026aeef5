"""Runs a script as if a module were not installed.

    without_module.py MODULE SCRIPT.py [ARGUMENTS]
"""
import importlib.util
import os
import runpy
import sys

missing, find_spec = sys.argv[1], importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: (
    None if name == missing else find_spec(name, *rest))
sys.argv = sys.argv[2:]
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")
