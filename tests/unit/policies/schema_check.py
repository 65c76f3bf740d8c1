# Holds policy files against the schema that editors use: schema_check.py SCHEMA FILE...
# Prints the name of each file that does not hold, and exits 1 when one does not.
import json
import sys
import tomllib

import jsonschema

schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
wrong = [path for path in sys.argv[2:] if not validator.is_valid(tomllib.load(open(path, "rb")))]
print("".join(path + "\n" for path in wrong), end="")
sys.exit(1 if wrong else 0)
