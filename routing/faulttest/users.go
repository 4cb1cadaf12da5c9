package main

import (
	"fmt"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// tenants are the apps of the fleet. They share the names of their users and
// devices, and the ids of their events.
func tenants() []string { return []string{"demo", "other"} }

// The kinds that are published, as devmode configures them.
const (
	messages = "messages"
	contacts = "contacts"
)

func kinds() []string { return []string{messages, contacts} }

// devicesAUser is how many devices a user has; pattern says which part each
// plays: of all devices three in five are connected, one is silent and one is
// away, and there are users without a silent or away one.
const (
	devicesAUser  = 3
	usersAPattern = 5
)

func pattern(user, device int) part {
	return [usersAPattern][devicesAUser]part{
		{connected, connected, connected},
		{connected, connected, silent},
		{connected, silent, away},
		{connected, connected, away},
		{connected, silent, away},
	}[user%usersAPattern][device]
}

// hotUser is the number of the user with events beyond all others'; it has
// a device of each part, and a namesake at the other tenant who is not hot.
const hotUser = 2

func isHot(o owner) bool { return o == owner{tenants()[0], userName(hotUser)} }

// userName is the name of a user by number.
func userName(number int) string { return fmt.Sprintf("u%04d", number) }

// usersATenant is how many of the users each tenant has.
func usersATenant(users int) int { return users / len(tenants()) }

// newBooks makes the ledgers of all devices.
func newBooks(users int) []*deviceLedger {
	var books []*deviceLedger
	for i := range usersATenant(users) {
		for _, tenant := range tenants() {
			for j := range devicesAUser {
				b := &deviceLedger{owner: owner{tenant, userName(i)}, name: fmt.Sprintf("d%d", j), part: pattern(i, j)}
				// Half of the connected devices have no push token: nothing
				// but their connection reaches them.
				if b.part != connected || (i+j)%2 == 0 {
					b.token = devmode.DeviceToken(tenant+"-"+b.user, b.name)
				}
				books = append(books, b)
			}
		}
	}
	return books
}
