// Package connection reconciles KisiConnections: the key, the session, the webhook, and what is planned and held through them.
package connection
