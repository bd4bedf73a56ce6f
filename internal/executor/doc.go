// Package executor is between a plan and Kisi: it reads what Kisi answers.
package executor
