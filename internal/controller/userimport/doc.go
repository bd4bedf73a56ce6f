// Package userimport makes Members of the users whom a connection takes in with users.existing: Import.
package userimport
